"""The one operator. Invoked from the interface it returns at once and watches from a timer; executed (headless, scripts) it blocks until done."""
import os
import shutil
import tempfile
import time

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from .export import export_scene, render_settings
from .raymill import Error
from .raymill.client import frame_name
from .raymill.token import is_loopback
from .settings import preferences
from .task import Task

running = []   # tasks, so that the panel can show them and unregistering can end them


def stop_all():
    for task in list(running):
        task.cancel()


class RAYMILL_OT_render(bpy.types.Operator):
    bl_idname = "raymill.render"
    bl_label = "Render on Raymill"
    bl_description = "Export the scene, render it on the farm, and load the finished frame"

    animation: BoolProperty(name="Animation", description="The scene's frame range instead of the current frame", options={"SKIP_SAVE"})
    output: StringProperty(name="Output", subtype="FILE_PATH", options={"SKIP_SAVE"},
                           description="A .png or .exr file, #### for the frame's number. Empty: the scene's own output path for an animation, a temporary file for a still")
    spp: IntProperty(name="Samples", description="Samples per pixel; 0: as set in the scene", min=0, max=1 << 20, options={"SKIP_SAVE"})

    def start(self, context):
        """Exports and starts the task; raises Error."""
        output = self.output_path(context)
        folder = tempfile.mkdtemp(prefix="raymill-")
        try:
            own = preferences(context)
            self.check_online(own.server or os.environ.get("RAYMILL_SERVER", ""))
            glb = os.path.join(folder, "scene.glb")
            export_scene(context, glb, animation=self.animation)
            settings, notes = render_settings(context, glb, animation=self.animation, spp=self.spp, image_format=os.path.splitext(output)[1][1:].lower())
            name = os.path.splitext(os.path.basename(bpy.data.filepath))[0] or context.scene.name
            os.makedirs(os.path.dirname(output), exist_ok=True)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise Error("io", f"{error.filename}: {error.strerror}") from error
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        for note in notes:
            self.report({"WARNING"}, note)
        self.folder = folder
        self.task = Task(own.server, own.token, glb, settings, name, output)
        running.append(self.task)
        self.task.start()

    def output_path(self, context):
        path = self.output
        if not path:
            path = context.scene.render.filepath if self.animation else os.path.join(bpy.app.tempdir, "raymill.png")
        path = os.path.abspath(bpy.path.abspath(path))
        if self.animation and frame_name(path, 0) == frame_name(path, 1):
            stem, extension = os.path.splitext(path)
            path = f"{stem}####{extension}"
        if os.path.splitext(path)[1].lower() not in (".png", ".exr"):
            path += ".exr" if context.scene.render.image_settings.file_format in ("OPEN_EXR", "OPEN_EXR_MULTILAYER") else ".png"
        return path

    @staticmethod
    def check_online(server):
        """Blender 4.2 and later have a switch that add-ons must keep to; a farm on this machine is not the network."""
        host = server.split("://")[-1].split("/")[0].rsplit(":", 1)[0].strip("[]")
        if server and not is_loopback(host) and not getattr(bpy.app, "online_access", True):
            raise Error("refused", "Blender's preferences do not allow online access (System > Network)")

    def finish(self):
        """Tidies up after the task and says how it went; True where there are frames."""
        running.remove(self.task)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.task.error:
            self.report({"ERROR"}, self.task.error)
            return False
        for note in self.task.notes:
            self.report({"WARNING"}, note)
        paths = self.task.paths
        self.report({"INFO"}, f"Raymill: {paths[0]}" + (f" and {len(paths) - 1} more" if len(paths) > 1 else ""))
        return True

    # ---- headless, and from scripts ----

    def execute(self, context):
        try:
            self.start(context)
        except Error as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        said = None
        try:
            while self.task.is_alive():
                self.task.join(0.2)
                doing, _ = self.task.progress()
                if bpy.app.background and doing != said:
                    print(f"raymill: {doing}", flush=True)
                    said = doing
        except KeyboardInterrupt:
            self.task.cancel()
            self.task.join(10)
        return {"FINISHED"} if self.finish() else {"CANCELLED"}

    # ---- in the interface ----

    def invoke(self, context, _event):
        try:
            self.start(context)
        except Error as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.timer = context.window_manager.event_timer_add(0.2, window=context.window)
        self.started = time.monotonic()
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        if event.type == "ESC" and event.value == "PRESS":
            self.task.cancel()
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if self.task.is_alive():
            doing, _ = self.task.progress()
            context.workspace.status_text_set(f"Raymill: {doing} ({time.monotonic() - self.started:.0f} s; Esc cancels)")
            redraw(context)
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self.timer)
        context.workspace.status_text_set(None)
        done = self.finish()
        redraw(context)
        if done:
            show(context, self.task.paths[-1])
        return {"FINISHED"} if done else {"CANCELLED"}


def redraw(context):
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PROPERTIES":
                area.tag_redraw()


def show(context, path):
    """Loads the frame and shows it in an Image Editor: one that is open, else in a new window, as Blender does with its own renders."""
    image = bpy.data.images.load(str(path), check_existing=True)
    image.reload()
    areas = [area for window in context.window_manager.windows for area in window.screen.areas]
    area = next((area for area in areas if area.type == "IMAGE_EDITOR" and area.ui_type == "VIEW"), None) or next((area for area in areas if area.type == "IMAGE_EDITOR"), None)
    if area is None:
        bpy.ops.wm.window_new()
        area = context.window_manager.windows[-1].screen.areas[0]
        area.ui_type = "IMAGE_EDITOR"
    area.spaces.active.image = image
