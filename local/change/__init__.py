"""What a change of the stack would look like: two renderings of it, before and after, on simulated data.

No cluster runs: the Pods are made up of the manifests, Prometheus' own discovery and relabelling find them,
and a history is filled in of what the change shows, by the rules of each side.
"""
