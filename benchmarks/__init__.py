"""Speed, memory and quality beside other libraries, compared in one run: each module is a command."""
