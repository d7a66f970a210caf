"""What is noticed, how it is weighed, and what follows."""
