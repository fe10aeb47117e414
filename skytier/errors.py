"""The errors of Skytier: one root, and whether trying again can help."""


class SkytierError(Exception):
    """Root of all errors that Skytier raises on purpose. The message says what was found and what to do."""


class TerminalError(SkytierError):
    """Trying again changes nothing: a wrong setting, a missing program, data that breaks a promise."""


class DamagedFileError(TerminalError):
    """A file on HDFS cannot be read because its blocks are corrupt or lost; its servers run."""


class TransientError(SkytierError):
    """Trying again may succeed: a server that does not answer yet, a time-out."""


class LeaseLostError(TransientError):
    """Another process has taken over the work of this one, which did not renew its lease in time."""
