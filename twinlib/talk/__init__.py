"""Chat with the finished twin."""
