"""What staff type, checked for shape; whether it may be done is for the operations to say."""
