"""One render on the farm, on a thread of its own so that nothing waits for the network. It touches no bpy; the operator reads its fields."""
import threading

from .raymill import Client, Error


class Task(threading.Thread):
    def __init__(self, server, token, scene, settings, name, output):
        super().__init__(name="raymill", daemon=True)   # Blender can be closed; the job goes on, and is found by its id
        self.server, self.token, self.scene, self.settings, self.job_name, self.output = server, token, scene, settings, name, output
        self.lock = threading.Lock()
        self.fraction = 0.0
        self.doing = "connecting"
        self.job = None
        self.notes = []        # the farm's: what is not drawn as meant
        self.paths = []        # finished files
        self.error = None
        self._cancelled = threading.Event()

    def run(self):
        try:
            with Client(self.server or None, self.token or None) as farm:
                self._say("sending the scene", 0.0)
                job = farm.submit(self.scene, name=self.job_name, progress=self._sending, **self.settings)
                with self.lock:
                    self.job = job
                if self._cancelled.is_set():
                    farm.cancel(job)
                self._say("waiting for a worker", 0.0)
                for event in farm.events(job):
                    self._say(f"rendering: {event.tiles_done} of {event.tiles} tiles", event.tiles_done / max(1, event.tiles))
                self._say("fetching", 1.0)
                self.notes = farm.job(job).notes
                self.paths = farm.fetch(job, self.output)
        except Error as error:
            self.error = str(error)
        except Exception as error:   # a thread's exception would be lost, and the operator would wait for ever
            self.error = f"{type(error).__name__}: {error}"

    def progress(self):
        with self.lock:
            return self.doing, self.fraction

    def cancel(self):
        """Returns at once; the job ends as cancelled, and with it the thread."""
        self._cancelled.set()
        with self.lock:
            job = self.job
        if job is not None:
            threading.Thread(target=self._cancel, args=(job,), daemon=True).start()

    def _cancel(self, job):
        try:
            with Client(self.server or None, self.token or None) as farm:
                farm.cancel(job)
        except Error:
            pass   # the watching thread meets the same farm and says so

    def _sending(self, done, total):
        if self._cancelled.is_set():
            raise Error("failed", "cancelled")
        self._say(f"sending the scene: {done / 1e6:.1f} of {total / 1e6:.1f} MB", done / max(1, total))

    def _say(self, doing, fraction):
        with self.lock:
            self.doing, self.fraction = doing, fraction
