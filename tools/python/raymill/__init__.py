"""Client of a Raymill rendering farm: upload glTF scenes, submit jobs, follow them, fetch the frames. Standard library only."""
from .client import Client, Event, Frame, Job, Worker
from .errors import Error, JobFailed
from .scene import Manifest, SceneFiles, scene_files
from .token import find_token

__version__ = "0.1.0"
__all__ = ["Client", "Error", "Event", "Frame", "Job", "JobFailed", "Manifest", "SceneFiles", "Worker", "find_token", "scene_files"]
