"""What restoring a source means: its policy, its plan, and running that plan."""
