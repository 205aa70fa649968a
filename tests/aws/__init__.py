"""What a stack has in AWS, without AWS."""
