"""Render on a Raymill farm from Blender 3.4 or later: exports the scene with Blender's own glTF exporter, submits it, shows the progress without
locking the user interface, and loads the finished frame. The same operator works headless:

    blender -b scene.blend --python-exit-code 1 --python-expr "import bpy; bpy.ops.raymill.render(output='//frame.png')"
"""
bl_info = {
    "name": "Raymill",
    "description": "Render on a Raymill farm",
    "author": "Raymill",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "Properties > Render > Raymill",
    "category": "Render",
}

import bpy

from . import operators, panel, settings

CLASSES = (settings.RaymillPreferences, settings.RaymillSettings, operators.RAYMILL_OT_render, panel.RAYMILL_PT_render)


def register():
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.raymill = bpy.props.PointerProperty(type=settings.RaymillSettings)


def unregister():
    operators.stop_all()
    del bpy.types.Scene.raymill
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
