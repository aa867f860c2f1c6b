/** The fields of a Protocol Buffers message, by number. The encoding has no types, so readers must know them. */
export interface Fields {
  has(field: number): boolean
  messages(field: number): Fields[]
  text(field: number): string
  hex(field: number): string
  /** An integer, an enum or a fixed64. */
  number(field: number): number
  double(field: number): number
  /** Packed, the proto3 encoding of repeated numbers. */
  doubles(field: number): number[]
  fixed64s(field: number): number[]
}

/** The encoded value of a field: a varint, 4 or 8 bytes, or length-prefixed bytes. */
type WireValue = bigint | Buffer

/** https://protobuf.dev/programming-guides/encoding/ */
export function decodeFields(bytes: Buffer): Fields {
  const found = new Map<number, WireValue[]>()
  let at = 0
  function varint(): bigint {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  function take(length: number): Buffer {
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const value = wireValue(tag & 7, varint, take)
    const field = tag >> 3
    found.set(field, [...(found.get(field) ?? []), value])
  }
  const all = (field: number) => found.get(field) ?? []
  const bytesOf = (field: number) => all(field).find(Buffer.isBuffer) ?? Buffer.alloc(0)
  const eights = (field: number) => {
    const packed = bytesOf(field)
    return Array.from({ length: packed.length / 8 }, (_, index) => packed.subarray(index * 8, index * 8 + 8))
  }
  return {
    has: (field) => found.has(field),
    messages: (field) => all(field).filter(Buffer.isBuffer).map(decodeFields),
    text: (field) => bytesOf(field).toString('utf8'),
    hex: (field) => bytesOf(field).toString('hex'),
    number(field) {
      const [value = 0n] = all(field)
      return Number(typeof value === 'bigint' ? value : value.readBigUInt64LE())
    },
    double: (field) => (found.has(field) ? bytesOf(field).readDoubleLE() : 0),
    doubles: (field) => eights(field).map((eight) => eight.readDoubleLE()),
    fixed64s: (field) => eights(field).map((eight) => Number(eight.readBigUInt64LE())),
  }
}

function wireValue(wireType: number, varint: () => bigint, take: (length: number) => Buffer): WireValue {
  switch (wireType) {
    case 0:
      return varint()
    case 1:
      return take(8)
    case 2:
      return take(Number(varint()))
    case 5:
      return take(4)
    default:
      throw new Error(`wire type ${wireType} is not part of proto3`)
  }
}
