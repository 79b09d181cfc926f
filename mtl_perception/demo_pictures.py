"""Pictures of a replay, drawn while it goes on, so that they take no more memory however long it is."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from threading import Thread

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from mtl_perception.atomic_write import write_atomically
from mtl_perception.messages.arrays import array_from_image, nanoseconds_of, rgb_from_compressed
from mtl_perception.node_traffic import Output
from mtl_perception.visualize import Palette, known_depth, range_of, side_by_side

HELD = 60
"""Frames held for their colours: the video's depth is coloured by the first, the strip's by as many of the whole."""
_MOST_WAITING = 120
"""Frames and results not drawn yet, after which the replay waits."""
_MOST_IN_WORK = 300
"""Frames whose results are awaited, after which the oldest is given up."""
_STRIP_ROWS = 6
_WIDTH = 320


@dataclass
class _Shot:
    """A frame and what the node says of it, no larger than it is shown; None is still to come.

    Attributes:
        stamp: nanoseconds.
        frame: as it went in.
        depth: (h, ``_WIDTH``) float32 metres.
        known: see ``known_depth``.
        segmentation: (h, ``_WIDTH``) uint8 class ids.
        counts: pixels of each of the 256 ids, in the whole segmentation.
    """

    stamp: int
    frame: CompressedImage
    depth: np.ndarray | None = None
    known: np.ndarray | None = None
    segmentation: np.ndarray | None = None
    counts: np.ndarray | None = None

    def take(self, output: Output, image: np.ndarray) -> None:
        """Keep what is to be shown of a result."""
        if output == "depth":
            self.depth, self.known = _fitted(image, *_shown_size(image)), known_depth(image)
        else:
            self.segmentation = _fitted(image, *_shown_size(image))
            self.counts = np.bincount(image.ravel(), minlength=256)

    @property
    def is_whole(self) -> bool:
        return self.depth is not None and self.segmentation is not None


class DemoPictures:
    """``video.mp4`` of every frame with results, and ``strip.png`` of six, evenly spread.

    They are drawn in a thread of their own, so that the replay keeps its pace.

    Depth has the colours of the range that the first ``HELD`` frames show; in the strip, of as many or half as
    many, spread over all.

    Args:
        out: folder to write to.
        palette: colours of the classes.
    """

    def __init__(self, out: Path, palette: Palette) -> None:
        self._out, self._palette = out, palette
        self._in_work: dict[int, _Shot] = {}
        self._arrived: Queue[CompressedImage | tuple[Output, Image] | None] = Queue(_MOST_WAITING)
        self._failure: Exception | None = None
        self._drawer = Thread(target=self._draw_all, name="demo pictures", daemon=True)
        self._drawer.start()
        self._count, self._every = 0, 1
        self._first: list[_Shot] = []
        self._spread: list[_Shot] = []
        self._video: VideoFile | None = None
        self._range = (0.0, 0.0)

    def take_frame(self, message: CompressedImage) -> None:
        """Keep what goes in."""
        self._arrived.put(message)

    def take_result(self, output: Output, message: Image) -> None:
        """Keep what comes out; may be called in another thread."""
        self._arrived.put((output, message))

    def finish(self) -> bool:
        """Write the pictures; False where no frame has results, and none are written.

        Raises:
            OSError: they could not be written whole.
        """
        self._end_drawing()
        if self._failure is not None:
            raise self._failure
        if not self._count:
            return False
        if self._video is None:
            self._begin_video()
        self._write_strip()
        self._video.finish()
        return True

    def close(self) -> None:
        """Leave no video that is not finished."""
        self._end_drawing()
        if self._video is not None:
            self._video.close()

    def _end_drawing(self) -> None:
        if self._drawer.is_alive():
            self._arrived.put(None)
            self._drawer.join()

    def _draw_all(self) -> None:
        while (arrived := self._arrived.get()) is not None:
            if self._failure is not None:  # What goes on arriving is taken, lest the replay waits for ever.
                continue
            try:
                self._draw(arrived)
            except Exception as error:  # told by ``finish``
                self._failure = error

    def _draw(self, arrived: CompressedImage | tuple[Output, Image]) -> None:
        if isinstance(arrived, CompressedImage):
            stamp = nanoseconds_of(arrived.header.stamp)
            self._in_work[stamp] = _Shot(stamp, arrived)
            if len(self._in_work) > _MOST_IN_WORK:
                del self._in_work[next(iter(self._in_work))]
            return
        output, message = arrived
        stamp = nanoseconds_of(message.header.stamp)
        shot = self._in_work.get(stamp)
        if shot is None:
            return
        shot.take(output, array_from_image(message))
        if shot.is_whole:
            # Results come in order: what is older was dropped by the node.
            self._in_work = {other: s for other, s in self._in_work.items() if other > stamp}
            self._add(shot)

    def _add(self, shot: _Shot) -> None:
        if self._count % self._every == 0:
            self._spread.append(shot)
        if len(self._spread) > HELD:
            del self._spread[1::2]
            self._every *= 2
        self._count += 1
        if self._video is not None:
            self._video.write(self._row(shot, self._range))
            return
        self._first.append(shot)
        if len(self._first) == HELD:
            self._begin_video()

    def _begin_video(self) -> None:
        self._range = range_of([shot.known for shot in self._first])
        self._video = VideoFile(self._out / "video.mp4", rate_of([shot.stamp for shot in self._first]))
        for shot in self._first:
            self._video.write(self._row(shot, self._range))
        self._first.clear()

    def _row(self, shot: _Shot, depth_range: tuple[float, float]) -> np.ndarray:
        rgb = rgb_from_compressed(shot.frame)
        size = _shown_size(rgb)
        return side_by_side(
            cv2.resize(rgb, size, interpolation=cv2.INTER_AREA),
            _fitted(shot.depth, *size),
            _fitted(shot.segmentation, *size),
            self._palette,
            depth_range,
        )

    def _write_strip(self) -> None:
        path = self._out / "strip.png"
        depth_range = range_of([shot.known for shot in self._spread])
        places = np.unique(np.linspace(0, len(self._spread) - 1, _STRIP_ROWS).round().astype(int))
        chosen = [self._spread[i] for i in places]
        rows = [self._row(shot, depth_range) for shot in chosen]
        counts = sum(shot.counts for shot in chosen)
        legend = self._palette.legend([int(i) for i in np.argsort(-counts) if counts[i]], rows[0].shape[1])
        _, data = cv2.imencode(path.suffix, cv2.cvtColor(np.vstack([*rows, legend]), cv2.COLOR_RGB2BGR))
        write_atomically(path, data.tobytes())


class VideoFile:
    """A video to be, which lies at its place when it is finished.

    Args:
        path: where to, ``*.mp4``.
        rate: frames a second.
    """

    def __init__(self, path: Path, rate: float) -> None:
        self._path, self._rate = path, rate
        self._temporary = path.with_name(f".{os.getpid()}.{path.name}")
        self._writer: cv2.VideoWriter | None = None
        self._count = 0

    def write(self, row: np.ndarray) -> None:
        """Add a picture, (H, W, 3) uint8 RGB, all of one size."""
        if self._writer is None:
            size = row.shape[1], row.shape[0]
            self._writer = cv2.VideoWriter(str(self._temporary), cv2.VideoWriter_fourcc(*"mp4v"), self._rate, size)
        self._writer.write(cv2.cvtColor(row, cv2.COLOR_RGB2BGR))
        self._count += 1

    def finish(self) -> None:
        """Put the video at its place.

        Raises:
            OSError: it is not whole; what lay there before stays.
        """
        self._writer.release()
        # The writer does not tell of a full disk.
        if cv2.VideoCapture(str(self._temporary)).get(cv2.CAP_PROP_FRAME_COUNT) != self._count:
            raise OSError(errno.EIO, "The video could not be written whole; is the disk full?", str(self._path))
        os.replace(self._temporary, self._path)

    def close(self) -> None:
        """Leave nothing but a video that was finished."""
        if self._writer is not None:
            self._writer.release()
        self._temporary.unlink(missing_ok=True)


def rate_of(stamps: list[int]) -> float:
    """Frames a second of ``stamps`` (ns, ascending); 1 where there are fewer than two."""
    return (len(stamps) - 1) / ((stamps[-1] - stamps[0]) / 1e9) if len(stamps) > 1 else 1.0


def _shown_size(image: np.ndarray) -> tuple[int, int]:
    """Width and height that an image, (H, W) or (H, W, 3), has in the pictures."""
    return _WIDTH, round(image.shape[0] * _WIDTH / image.shape[1])


def _fitted(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """``image`` (H, W) at the size to be shown, whose values are taken and not mixed."""
    if image.shape == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST)
