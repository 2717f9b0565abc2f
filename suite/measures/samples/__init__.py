"""What new codes decode to, as the data set's own small classifier sees it."""
