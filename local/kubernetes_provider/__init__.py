"""A stand-in for the official Kubernetes provider of Pulumi, for machines that cannot get its plugin.

It is a process of its own that speaks the provider protocol, so the real engine drives it as it drives the
official plugin. It supports the kinds that this project deploys and refuses every other by name, and it is
as strict as the official provider 4.34: what would fail there fails here. tests/provider holds each
behaviour with its source in pulumi/pulumi-kubernetes.
"""
