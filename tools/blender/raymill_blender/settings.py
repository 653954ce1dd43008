"""What the user can set: the farm in the add-on's preferences, the picture with the scene. Size, camera, frame range and rate are the scene's own."""
import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty, StringProperty

LIGHT_UNITS = (
    ("COMPAT", "As in Cycles", "Watts keep the brightness they have in Cycles: a sun of 1 W/m2 gives irradiance 1, a point of P watts the intensity P / 4 pi"),
    ("SPEC", "Physical", "Watts become lumens (times 683), as physically based glTF viewers expect; set the exposure to match"),
)
TONE_MAPS = (
    ("AUTO", "As the scene's view", "'Standard' and 'Raw' give none, 'AgX' gives AgX, all others Khronos PBR Neutral"),
    ("neutral", "PBR Neutral", "Khronos PBR Neutral: base colours stay as authored"),
    ("aces", "ACES", ""),
    ("agx", "AgX", ""),
    ("none", "None", "The plain sRGB curve, clipped"),
)


class RaymillPreferences(bpy.types.AddonPreferences):
    bl_idname = __package__

    server: StringProperty(name="Server", description="http://HOST:PORT or https://HOST:PORT. Empty: RAYMILL_SERVER, else this machine's at port 8080")
    token: StringProperty(name="Token", subtype="PASSWORD", description="Empty: found as the command line finds it (RAYMILL_TOKEN, or what the farm of "
                          "the same user on this machine left). It is saved with Blender's preferences, where others who can read those can read it")

    def draw(self, _context):
        self.layout.prop(self, "server")
        self.layout.prop(self, "token")


class RaymillSettings(bpy.types.PropertyGroup):
    spp: IntProperty(name="Samples", description="Samples per pixel", default=64, min=1, max=1 << 20)
    max_bounces: IntProperty(name="Bounces", description="0 is direct light only", default=8, min=0, max=1024)
    clamp: FloatProperty(name="Clamp Indirect", description="Limits indirect samples, at the price of their energy; 0 is off", default=0, min=0)
    light_units: EnumProperty(name="Light Units", items=LIGHT_UNITS)
    tone_map: EnumProperty(name="Tone Map", items=TONE_MAPS, description="For PNG only; EXR is linear")


def preferences(context):
    return context.preferences.addons[__package__].preferences
