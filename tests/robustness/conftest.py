# The commands are not collected for their doctests: they have none, and need a POSIX system.
collect_ignore_glob = ["[!t]*.py", "mutation"]
