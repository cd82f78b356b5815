"""The edge every order enters by: a request becomes a command, its events become an answer."""
