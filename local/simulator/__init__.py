"""The platform that is monitored, simulated: what its services and exporters would expose at any moment.

Every figure is a function of the time and of the incidents that were told to happen, so that the same
moment always looks the same, and history can be filled in by asking for moments that are over.
"""
