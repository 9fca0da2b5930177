"""One engine for all tests of the room: building it takes a second."""

import pytest

from parvis.privacy import PrivacyEngine, build_privacy
from parvis.settings import load_settings


@pytest.fixture(scope="session")
def engine() -> PrivacyEngine:
    return build_privacy(load_settings().models_dir)
