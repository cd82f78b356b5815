"""The web servers, Daphne and uvicorn, with the same bounds."""
