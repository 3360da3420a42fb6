"""The monitoring pipeline on Kubeflow Pipelines: compile, check, submit, and run in a pod."""
