"""Tests of the stand-in of the AWS provider."""
