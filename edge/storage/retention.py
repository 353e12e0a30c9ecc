"""Which studies may be removed by age or size: whole ones, and none that waits for a result."""

from collections import defaultdict
from collections.abc import Iterable

from edge.storage.lookup import Indexed


def finished_studies(instances: Iterable[Indexed]) -> list[list[Indexed]]:
    """Group instances by study and patient, and leave out the groups with one that has no result.

    Args:
        instances: in the order in which they were received. One whose study is not known is its own group.

    Returns:
        The group whose last instance was received first comes first.
    """
    studies: dict[tuple[str, str], list[Indexed]] = defaultdict(list)
    for instance in instances:
        studies[instance.study_instance_uid or instance.sop_instance_uid, instance.patient_id].append(
            instance
        )
    finished = [group for group in studies.values() if not any(instance.pending for instance in group)]
    return sorted(finished, key=lambda group: group[-1].received_at)
