"""What codes are used for: few labels, retrieval, anomalies, missing pixels, noise; each beside plain references."""
