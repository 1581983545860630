"""Speed, memory and quality, measured side by side with peers; not part of the test run."""
