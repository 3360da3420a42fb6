import json
import sys

import pytest
from tfx_vigil.pipelines import cli


class Ran:
    """One call in this process, with all that was written to its file descriptors."""

    def __init__(self, capfd, arguments):
        capfd.readouterr()
        sys.argv = ["tfx-vigil", *map(str, arguments)]
        with pytest.raises(SystemExit) as end:
            cli.main()
        self.code = end.value.code
        self.out, self.err = capfd.readouterr()

    @property
    def json(self):
        return json.loads(self.out)
