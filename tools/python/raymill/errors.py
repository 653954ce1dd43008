"""What goes wrong, as one line for a person."""


class Error(Exception):
    """`code` is one of the farm's: bad_input, usage, unsupported, unreachable, refused, no_device, device_lost, io, failed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class JobFailed(Error):
    """A job that ended without its frames: failed, or cancelled."""
