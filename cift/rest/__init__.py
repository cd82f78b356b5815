"""What the apps' REST views share."""
