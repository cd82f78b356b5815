"""Send a recorded order flow through the venue's own services, and compare what came out."""
