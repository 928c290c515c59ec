"""Who waits for whom: callbacks of one person are handled one after the other, those of different people at a time."""

from collections import defaultdict, deque

from inbound.services.reading import Job, Key


class Lanes:
    """
    Keeps the order of jobs that have a person in common.

    Not for several threads at a time.
    """

    def __init__(self) -> None:
        self._lanes: dict[Key, deque[Job]] = defaultdict(deque)

    def enter(self, job: Job) -> bool:
        """Queue a job behind the earlier ones of its people; whether it may begin at once."""
        for key in job.keys:
            self._lanes[key].append(job)
        return self._is_first(job)

    def leave(self, job: Job) -> list[Job]:
        """Take out a job that has ended, and return those that may begin now."""
        following = []
        for key in job.keys:
            lane = self._lanes[key]
            lane.remove(job)
            if lane:
                following.append(lane[0])
            else:
                del self._lanes[key]
        return [each for each in dict.fromkeys(following) if self._is_first(each)]

    def _is_first(self, job: Job) -> bool:
        return all(self._lanes[key][0] is job for key in job.keys)
