"""How agents reach a venue: a socket for each account, a few REST calls, the plan their process is started with."""
