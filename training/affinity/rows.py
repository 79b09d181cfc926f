"""What is trained for a matrix of tasks: rows in code, as there are some for every task."""

from __future__ import annotations

from collections.abc import Sequence

from training.reproduce.row import Row


def single_name(task: str) -> str:
    """A network of one task alone, on the few frames with all labels."""
    return f"single_{task}"


def teacher_name(task: str) -> str:
    """The teacher that looks at the picture and a task's labels."""
    return f"teacher_{task}"


def uneven_name(task: str) -> str:
    """The network of all labels there are where one task has plenty."""
    return f"uneven_{task}"


def student_name(task: str) -> str:
    """The same with the labels of the teacher that looks at the task that has plenty."""
    return f"student_{task}"


MULTI = "multi"
"""All tasks, on the few frames with all labels."""


def controls(given: str, task: str) -> tuple[str, ...]:
    """What there is of ``task`` without the teacher that looks at ``given``: all labels, the balanced ones, its own."""
    return uneven_name(given), MULTI, single_name(task)


def affinity_rows(tasks: Sequence[str], soft: bool) -> tuple[Row, ...]:
    """All rows, teachers before their students.

    The names are those of Erkent 2026 (Method): with X_i plentiful, the teacher h(X_i, z) learns the other tasks on the
    frames A that have all labels, labels them on the frames B that have X_i only, and the student g(f_3(z)) learns all
    tasks from all of it. What it is compared with takes as many steps, and has no teacher: ``controls``.
    """
    every = tuple(tasks)
    rows = [Row(single_name(t), f"{t} alone", require=(t,), model={"tasks": [t]}) for t in tasks]
    rows.append(Row(MULTI, "all tasks", require=every, model={"tasks": [*every]}))
    for task in tasks:
        others = [other for other in tasks if other != task]
        looks = {"inputs": ["rgb", task], "tasks": others}
        learns = {"tasks": [*every]}
        rows += [
            Row(teacher_name(task), f"teacher that looks at {task}", require=every, model=looks),
            Row(uneven_name(task), f"plenty of {task}", model=learns),
            Row(
                student_name(task),
                f"plenty of {task}, and its teacher's labels",
                teacher=teacher_name(task),
                soft=soft,
                model=learns,
            ),
        ]
    return tuple(rows)
