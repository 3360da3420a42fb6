"""A small pipeline, and how the tests submit it."""

from tfx_vigil.kubeflow.kfp_api import Server
from tfx_vigil.kubeflow.submit import Submission, submit

SPEC = """\
schemaVersion: 2.1.0
pipelineInfo: {name: taxi-tips}
root:
  inputDefinitions:
    parameters:
      window_start: {parameterType: STRING, defaultValue: ''}
      window_end: {parameterType: STRING, defaultValue: ''}
      on_demand: {parameterType: NUMBER_INTEGER, defaultValue: 0}
  dag: {tasks: {WindowResolver: {taskInfo: {name: WindowResolver}}}}
---
platforms: {kubernetes: {deploymentSpec: {executors: {}}}}
"""


def send(kfp, spec, progress=lambda _: None, namespace=None, token_file=None, **submission):
    server = Server(host=kfp.address, namespace=namespace, token_file=token_file)
    return submit(spec, server, Submission(**submission), progress, poll=0.01)


def uploads(kfp):
    return [request for request in kfp.requests if "upload" in request]


def enabled(kfp):
    return [run for run in kfp.recurring_runs if run["status"] == "ENABLED"]
