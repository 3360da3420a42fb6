import subprocess
import sys


def test_tensorflow_loads_in_silence_and_what_is_written_later_shows():
    code = """
import os
from tfx_vigil.pipelines.quiet import quiet
quiet()
import tensorflow
os.write(2, b"shown")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr == b"shown"
