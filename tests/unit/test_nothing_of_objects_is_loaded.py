"""What an agent loads whose pods refer to nothing of an API server."""

import subprocess
import sys

LAZY = (
    "staticlet.node.apiobjects",
    "staticlet.node.apicontent",
    "staticlet.node.apitokens",
    "staticlet.host.atomicfiles",
    "staticlet.pods.apiobjects.references",
    "staticlet.pods.apiobjects.variables",
    "staticlet.pods.images.podsecrets",
    "staticlet.pods.volumes.payload",
    "staticlet.pods.volumes.projection",
    "staticlet.pods.volumes.renewal",
)


def test_what_follows_and_writes_objects_is_loaded_by_the_first_pod_that_needs_it():
    program = (
        "import sys; from staticlet.app import agent, joining; "
        f"print([name for name in {LAZY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"
