"""The journal, published: what its batches are as messages of the streams, and who follows it to send them."""
