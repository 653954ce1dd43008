"""The Cornell box in metres: the room and blocks as Cornell's graphics laboratory measured them (graphics.cornell.edu/online/box/data.html, in
millimetres there), turned so that the camera looks along -z. Reflectances are the measured spectra's Rec. 709 equivalents, rounded."""
import math

from .gltf import Gltf
from .mesh import Mesh
from .vectors import look

WHITE, RED, GREEN = (0.73, 0.71, 0.68), (0.57, 0.043, 0.044), (0.112, 0.411, 0.072)


def at(x, y, z):
    """Their millimetres (x to the left, z away from the camera) to metres in ours, the room's middle at x = 0."""
    return ((278 - x) / 1000, y / 1000, (279.6 - z) / 1000)


def block(mesh, base, top):
    """A block from its four base corners (x, z), anticlockwise from above in our axes, and its height."""
    lower, upper = [at(x, 0, z) for x, z in base], [at(x, top, z) for x, z in base]
    mesh.polygon(upper)
    for i in range(4):
        j = (i + 1) % 4
        mesh.polygon([lower[i], lower[j], upper[j], upper[i]])


def build():
    scene = Gltf('Cornell box')
    white = scene.material('white', WHITE, specular=0.0)
    red = scene.material('red', RED, specular=0.0)
    green = scene.material('green', GREEN, specular=0.0)
    lamp = scene.material('lamp', (0.78, 0.78, 0.78), emission=(1.0, 0.761, 0.367), strength=18.4, specular=0.0)

    room, left, right, light = Mesh(), Mesh(), Mesh(), Mesh()
    room.polygon([at(0, 0, 0), at(0, 0, 559.2), at(549.6, 0, 559.2), at(552.8, 0, 0)])                    # floor
    room.polygon([at(556, 548.8, 0), at(556, 548.8, 559.2), at(0, 548.8, 559.2), at(0, 548.8, 0)])        # ceiling
    room.polygon([at(0, 0, 559.2), at(0, 548.8, 559.2), at(556, 548.8, 559.2), at(549.6, 0, 559.2)])      # back
    right.polygon([at(0, 0, 0), at(0, 548.8, 0), at(0, 548.8, 559.2), at(0, 0, 559.2)])
    left.polygon([at(552.8, 0, 0), at(549.6, 0, 559.2), at(556, 548.8, 559.2)])                           # as measured it is not quite flat
    left.polygon([at(552.8, 0, 0), at(556, 548.8, 559.2), at(556, 548.8, 0)])
    light.polygon([at(343, 548.7, 227), at(343, 548.7, 332), at(213, 548.7, 332), at(213, 548.7, 227)])
    short, tall = Mesh(), Mesh()
    block(short, [(130, 65), (82, 225), (240, 272), (290, 114)], 165)
    block(tall, [(423, 247), (265, 296), (314, 456), (472, 406)], 330)

    scene.node('room', mesh=scene.mesh('room', [(room, white), (left, red), (right, green)]))
    scene.node('short block', mesh=scene.mesh('short block', [(short, white)]))
    scene.node('tall block', mesh=scene.mesh('tall block', [(tall, white)]))
    scene.node('lamp', mesh=scene.mesh('lamp', [(light, lamp)]))
    eye, target = at(278, 273, -800), at(278, 273, 0)
    scene.node('front', camera=scene.camera('front', 2 * math.atan(12.5 / 35)), translation=list(eye), rotation=look(eye, target))
    eye, target = at(390, 390, -60), at(200, 120, 300)
    scene.node('inside', camera=scene.camera('inside', math.radians(55)), translation=list(eye), rotation=look(eye, target))
    return scene
