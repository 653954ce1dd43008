"""Three-vectors as tuples, rotations as glTF quaternions (x, y, z, w)."""
import math


def add(a, b):
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def sub(a, b):
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


def scaled(a, s):
    return (a[0] * s, a[1] * s, a[2] * s)


def dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a, b):
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def unit(a):
    length = math.sqrt(dot(a, a))
    return scaled(a, 1 / length) if length > 0 else (0.0, 1.0, 0.0)


def turn(axis, degrees):
    """The quaternion of a rotation."""
    half = math.radians(degrees) / 2
    x, y, z = scaled(unit(axis), math.sin(half))
    return [x, y, z, math.cos(half)]


def look(eye, target):
    """The quaternion of a camera at `eye` that looks at `target`, y up."""
    back = unit(sub(eye, target))
    right = unit(cross((0.0, 1.0, 0.0), back))
    up = cross(back, right)
    m = (right, up, back)                                # columns
    trace = m[0][0] + m[1][1] + m[2][2]
    if trace > 0:
        s = math.sqrt(trace + 1) * 2
        return [(m[1][2] - m[2][1]) / s, (m[2][0] - m[0][2]) / s, (m[0][1] - m[1][0]) / s, s / 4]
    i = max(range(3), key=lambda k: m[k][k])
    j, k = (i + 1) % 3, (i + 2) % 3
    s = math.sqrt(m[i][i] - m[j][j] - m[k][k] + 1) * 2
    q = [0.0, 0.0, 0.0, (m[j][k] - m[k][j]) / s]
    q[i], q[j], q[k] = s / 4, (m[i][j] + m[j][i]) / s, (m[i][k] + m[k][i]) / s
    return q


def rotated(quaternion, v):
    x, y, z, w = quaternion
    t = scaled(cross((x, y, z), v), 2)
    return add(add(v, scaled(t, w)), cross((x, y, z), t))
