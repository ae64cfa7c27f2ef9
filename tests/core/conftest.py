"""No deadlines: a busy machine is no defect of what is tested."""

import os

from hypothesis import settings

if "HYPOTHESIS_PROFILE" not in os.environ:  # the thorough profile of tests/properties has none either
    settings.register_profile("deskpulse-core", max_examples=60, deadline=None, print_blob=True)
    settings.load_profile("deskpulse-core")
