"""Stands for the kubelets of the embedded cluster: runs what can be run here, from the deployed Pods.

KWOK calls every pod Ready. The agent reads the Pods back from the API server and starts those whose program
is built here, with their own arguments, environment, files and volumes; it keeps mounted ConfigMaps and
Secrets current, restarts what ended, and replaces a process when its Pod was replaced. What must differ
outside of a container stands in `local.overlay`, and nothing else differs.
"""
