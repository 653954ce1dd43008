"""A small writer of binary glTF 2.0: one buffer, accessors as they are needed, everything by index."""
import json
import struct


def rounded(value):
    """Numbers for JSON: six digits are finer than float32 needs at a scene's scale, and keep the file small."""
    if isinstance(value, float):
        return int(value) if value == int(value) and abs(value) < 1e15 else round(value, 6)
    if isinstance(value, (list, tuple)):
        return [rounded(v) for v in value]
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return value


class Gltf:
    COMPONENTS = {'SCALAR': 1, 'VEC2': 2, 'VEC3': 3, 'VEC4': 4, 'MAT4': 16}
    FORMATS = {5121: 'B', 5123: 'H', 5125: 'I', 5126: 'f'}

    def __init__(self, name):
        self.json = {'asset': {'version': '2.0', 'generator': 'raymill tools/make_scenes'}, 'scene': 0,
                     'scenes': [{'name': name, 'nodes': []}]}
        self.data = bytearray()
        self.written = {}      # id of a Mesh: (the Mesh, its attributes, its indices), so that meshes may share geometry

    # ---- arrays
    def _append(self, key, value):
        self.json.setdefault(key, []).append(value)
        return len(self.json[key]) - 1

    def uses(self, extension):
        used = self.json.setdefault('extensionsUsed', [])
        if extension not in used:
            used.append(extension)
            used.sort()

    def view(self, data, target=None):
        while len(self.data) % 4:
            self.data.append(0)
        view = {'buffer': 0, 'byteOffset': len(self.data), 'byteLength': len(data)}
        if target:
            view['target'] = target
        self.data += data
        return self._append('bufferViews', view)

    def accessor(self, rows, kind, component=5126, bounds=False, target=None, normalized=False):
        """rows: tuples (or plain numbers for SCALAR)."""
        flat = list(rows) if kind == 'SCALAR' else [x for row in rows for x in row]
        width = self.COMPONENTS[kind]
        data = struct.pack('<%d%s' % (len(flat), self.FORMATS[component]), *flat)
        item = {'bufferView': self.view(data, target), 'componentType': component, 'count': len(flat) // width, 'type': kind}
        if normalized:
            item['normalized'] = True
        if bounds:
            stored = struct.unpack('<%d%s' % (len(flat), self.FORMATS[component]), data)  # bounds must be the stored values exactly
            item['min'] = [min(stored[i::width]) for i in range(width)]
            item['max'] = [max(stored[i::width]) for i in range(width)]
        return self._append('accessors', item)

    # ---- things
    def image(self, png):
        return self._append('images', {'bufferView': self.view(png), 'mimeType': 'image/png'})

    def texture(self, png):
        """A repeating, linearly filtered texture."""
        if 'samplers' not in self.json:
            self.json['samplers'] = [{'magFilter': 9729, 'minFilter': 9987, 'wrapS': 10497, 'wrapT': 10497}]
        return self._append('textures', {'sampler': 0, 'source': self.image(png)})

    def material(self, name, color=(1, 1, 1), alpha=1.0, metallic=0.0, roughness=1.0, emission=None, strength=None, **more):
        """`more`: textures as base_texture, mr_texture, normal_texture (index or (index, scale)), emission_texture; uv_scale for all of them,
        normal_uv_scale for the normal map alone; double_sided, unlit, mask (cutoff), ior, specular, specular_color."""
        pbr = {'baseColorFactor': [*color, alpha], 'metallicFactor': metallic, 'roughnessFactor': roughness}
        item = {'name': name, 'pbrMetallicRoughness': pbr}
        extensions = {}

        def use(index, uv_scale=None, **extra):
            info = {'index': index, **extra}
            uv_scale = uv_scale or more.get('uv_scale')
            if uv_scale:
                self.uses('KHR_texture_transform')
                info['extensions'] = {'KHR_texture_transform': {'scale': list(uv_scale)}}
            return info
        if 'base_texture' in more:
            pbr['baseColorTexture'] = use(more['base_texture'])
        if 'mr_texture' in more:
            pbr['metallicRoughnessTexture'] = use(more['mr_texture'])
        if 'normal_texture' in more:
            index, scale = more['normal_texture'] if isinstance(more['normal_texture'], tuple) else (more['normal_texture'], 1.0)
            item['normalTexture'] = use(index, more.get('normal_uv_scale'), scale=scale)
        if 'emission_texture' in more:
            item['emissiveTexture'] = use(more['emission_texture'])
        if emission:
            item['emissiveFactor'] = list(emission)
            if strength is not None:
                self.uses('KHR_materials_emissive_strength')
                extensions['KHR_materials_emissive_strength'] = {'emissiveStrength': strength}
        if 'ior' in more:
            self.uses('KHR_materials_ior')
            extensions['KHR_materials_ior'] = {'ior': more['ior']}
        if 'specular' in more or 'specular_color' in more:
            self.uses('KHR_materials_specular')
            extensions['KHR_materials_specular'] = {'specularFactor': more.get('specular', 1.0),
                                                    'specularColorFactor': list(more.get('specular_color', (1, 1, 1)))}
        if more.get('double_sided'):
            item['doubleSided'] = True
        if 'mask' in more:
            item['alphaMode'], item['alphaCutoff'] = 'MASK', more['mask']
        if more.get('unlit'):
            self.uses('KHR_materials_unlit')
            extensions['KHR_materials_unlit'] = {}
        if extensions:
            item['extensions'] = extensions
        return self._append('materials', item)

    def _attributes(self, mesh):
        attributes = {'POSITION': self.accessor(mesh.positions, 'VEC3', bounds=True, target=34962)}
        if mesh.normals:
            attributes['NORMAL'] = self.accessor(mesh.normals, 'VEC3', target=34962)
        if mesh.uvs:
            attributes['TEXCOORD_0'] = self.accessor(mesh.uvs, 'VEC2', target=34962)
        if mesh.joints:
            attributes['JOINTS_0'] = self.accessor(mesh.joints, 'VEC4', 5121, target=34962)
            attributes['WEIGHTS_0'] = self.accessor(mesh.weights, 'VEC4', target=34962)
        return attributes

    def _indices(self, mesh):
        wide = 5125 if len(mesh.positions) > 65535 else 5123
        return self.accessor([i for triangle in mesh.triangles for i in triangle], 'SCALAR', wide, target=34963)

    def mesh(self, name, parts, morphs=None, weights=None):
        """parts: [(Mesh, material)]. morphs: for each part, lists of position offsets."""
        primitives = []
        for number, (mesh, material) in enumerate(parts):
            if id(mesh) not in self.written:
                self.written[id(mesh)] = (mesh, self._attributes(mesh), self._indices(mesh))
            _, attributes, indices = self.written[id(mesh)]
            item = {'attributes': attributes, 'indices': indices, 'material': material}
            if morphs:
                item['targets'] = [{'POSITION': self.accessor(offsets, 'VEC3', bounds=True, target=34962)} for offsets in morphs[number]]
            primitives.append(item)
        item = {'name': name, 'primitives': primitives}
        if weights:
            item['weights'] = weights
        return self._append('meshes', item)

    def node(self, name, parent=None, **fields):
        """fields: glTF's (mesh, translation, rotation, scale, matrix, camera, skin ...), or light=index."""
        light = fields.pop('light', None)
        item = {'name': name, **fields}
        if light is not None:
            item['extensions'] = {'KHR_lights_punctual': {'light': light}}
        index = self._append('nodes', item)
        if parent is None:
            self.json['scenes'][0]['nodes'].append(index)
        else:
            self.json['nodes'][parent].setdefault('children', []).append(index)
        return index

    def camera(self, name, yfov, near=0.05):
        return self._append('cameras', {'name': name, 'type': 'perspective',
                                        'perspective': {'yfov': yfov, 'znear': near, 'aspectRatio': 16 / 9}})

    def light(self, name, kind, color, intensity, **more):
        self.uses('KHR_lights_punctual')
        lights = self.json.setdefault('extensions', {}).setdefault('KHR_lights_punctual', {'lights': []})['lights']
        lights.append({'name': name, 'type': kind, 'color': list(color), 'intensity': intensity, **more})
        return len(lights) - 1

    def skin(self, name, joints, inverse_binds):
        """inverse_binds: column-major 4 x 4 matrices, one a joint."""
        return self._append('skins', {'name': name, 'joints': joints, 'inverseBindMatrices': self.accessor(inverse_binds, 'MAT4')})

    def animation(self, name, channels):
        """channels: [(node, path, interpolation, times, values)]; values as glTF stores them (CUBICSPLINE: in-tangent, value, out-tangent)."""
        item = {'name': name, 'samplers': [], 'channels': []}
        kinds = {'translation': 'VEC3', 'scale': 'VEC3', 'rotation': 'VEC4', 'weights': 'SCALAR'}
        for node, path, interpolation, times, values in channels:
            item['channels'].append({'sampler': len(item['samplers']), 'target': {'node': node, 'path': path}})
            item['samplers'].append({'input': self.accessor(times, 'SCALAR', bounds=True), 'output': self.accessor(values, kinds[path]),
                                     'interpolation': interpolation})
        return self._append('animations', item)

    # ---- out
    def drawn_triangles(self):
        """Triangles as rendered: each node's mesh counts."""
        total = 0
        for node in self.json['nodes']:
            if 'mesh' in node:
                for primitive in self.json['meshes'][node['mesh']]['primitives']:
                    total += self.json['accessors'][primitive['indices']]['count'] // 3
        return total

    def glb(self):
        while len(self.data) % 4:
            self.data.append(0)
        self.json['buffers'] = [{'byteLength': len(self.data)}]
        text = json.dumps(rounded(self.json), separators=(',', ':')).encode()
        # Accessor bounds were rounded with everything else: they must be the stored numbers, so put those back in full.
        tree = json.loads(text)
        for item, exact in zip(tree['accessors'], self.json['accessors']):
            for key in ('min', 'max'):
                if key in exact:
                    item[key] = [int(v) if v == int(v) else v for v in exact[key]]
        text = json.dumps(tree, separators=(',', ':')).encode()
        text += b' ' * (-len(text) % 4)
        head = struct.pack('<III', 0x46546C67, 2, 12 + 8 + len(text) + 8 + len(self.data))
        return head + struct.pack('<II', len(text), 0x4E4F534A) + text + struct.pack('<II', len(self.data), 0x004E4942) + bytes(self.data)
