"""History for a first start: what Prometheus would hold had the simulated platform run for weeks.

Raw samples come from the functions that the live platform is simulated by, for the targets that Prometheus
has discovered; the deployed rules are then evaluated over them by promtool, on a real Prometheus.

What differs from a Prometheus that really ran all the time:

- What is older than 25 hours is coarser: gauges have a sample every 4 minutes, counters every 2, and what is
  recorded every minute is recorded every 4. Where a rule sums or counts another's samples (the GPU hours and
  the cost of a day), those are recorded as often as they are deployed, so that the sums are right.
- Beyond nine days there is only what the hourly cost is made from. The first of the nine days is shown by no
  panel of eight days; the windows of a day look back on it.
- Rules are evaluated at other seconds of the minute. A rule reads nothing of what it recorded itself.
- No alerts are evaluated.
"""
