"""Exit codes of the commands; `run` otherwise ends with the command's own."""

OK = 0
USAGE = 2
STILL_PENDING = 124  # nobody has decided in time, as timeout(1) says it
FAILED = 125  # Sayso itself: no answer, a wrong token, a refused request; nothing was run
REFUSED = 126  # a person or policy said no, or it expired; nothing was run
NOT_FOUND = 127  # the command to run is not there
