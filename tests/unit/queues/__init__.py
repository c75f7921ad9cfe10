"""The queues through which a timer hands pages on."""
