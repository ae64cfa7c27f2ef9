"""What Python sees of scan.pyx; C modules take ``scan`` itself, from scan.pxd."""

def scanned(value: bytes) -> dict[str, object] | None:
    """What ``scan`` reads of a value, for tests: fields of Scanned by name, without those that the type does not
    have or the event does not name; None where it declines."""
