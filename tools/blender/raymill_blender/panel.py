"""Properties > Render > Raymill, under every render engine."""
import bpy

from . import operators


class RAYMILL_PT_render(bpy.types.Panel):
    bl_label = "Raymill"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "render"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, own = self.layout, context.scene.raymill
        layout.use_property_split = True
        layout.use_property_decorate = False
        for name in ("spp", "max_bounces", "clamp", "light_units", "tone_map"):
            layout.prop(own, name)
        row = layout.row(align=True)
        row.operator("raymill.render", text="Render Frame", icon="RENDER_STILL")
        row.operator("raymill.render", text="Render Range", icon="RENDER_ANIMATION").animation = True
        for task in operators.running:
            doing, fraction = task.progress()
            if hasattr(layout, "progress"):   # 4.0 and later
                layout.progress(factor=fraction, text=doing)
            else:
                layout.label(text=f"{doing} ({100 * fraction:.0f} %)", icon="SORTTIME")
