"""A stand-in for the official AWS provider of Pulumi, for machines that cannot get its plugin.

It is a process of its own that speaks the provider protocol, and applies what it is given to an API of AWS
on loopback, never to AWS itself. It supports the types that this project deploys and refuses every other by
name; which properties force a replacement is declared as the Terraform provider behind the official one does.
What moto, the server it is run beside, lacks is declared in `local.aws_provider.api`.
"""
