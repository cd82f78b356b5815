"""What the agents are: makers, takers and a slicer in a market they see. Pure: no clock, no socket, no Django."""
