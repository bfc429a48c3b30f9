"""Times of an outage, from what `vm-watch` has seen: names with begin, end and address, in order."""


def longest_gap(names):
    """The longest time in which no name was resolved: from the end of a success to the end of the next."""
    ends = [0.0, *(end for _, end, address in names if address), names[-1][1]]
    return max(later - earlier for earlier, later in zip(ends, ends[1:]))


def first_after(times, moment):
    """The first of the times after a moment."""
    return next((time for time in times if time > moment), None)


def settled(names, address):
    """The end of the first name from which on each has this address; none if the last has not."""
    since = None
    for _, end, found in names:
        if found != address:
            since = None
        elif since is None:
            since = end
    return since
