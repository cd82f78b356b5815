"""The wire of commands and events: MessagePack arrays `[kind, version | sequence, …fields]`; no Django here."""
