"""The production topology on one machine, from packages: real servers where a package brings them."""
