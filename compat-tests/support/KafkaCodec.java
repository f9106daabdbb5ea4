import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import net.jpountz.lz4.LZ4FrameOutputStream;
import net.jpountz.lz4.LZ4FrameOutputStream.BLOCKSIZE;
import net.jpountz.lz4.LZ4FrameOutputStream.FLG;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.ByteBufferOutputStream;

/**
 * Compresses and decompresses with Apache Kafka's own classes, and makes LZ4 frames of all shapes with the library below them.
 *
 * On standard input: a letter ('c', 'd', 'f'), a word as Java writes UTF-8 (the codec; for frames block size and flags, separated by spaces), and
 * bytes behind their length. On standard output: bytes behind their length; -1 and a message when it did not work.
 */
public final class KafkaCodec {
    /** Of today's record batches. */
    private static final byte MAGIC = 2;

    public static void main(String[] ignored) throws Exception {
        DataInputStream commands = new DataInputStream(System.in);
        DataOutputStream answers = new DataOutputStream(System.out);
        for (;;) {
            int letter;
            try {
                letter = commands.readByte();
            } catch (EOFException atEnd) {
                return;
            }
            String word = commands.readUTF();
            byte[] input = new byte[commands.readInt()];
            commands.readFully(input);
            try {
                byte[] output = letter == 'c' ? compress(word, input) : letter == 'd' ? decompress(word, input) : frame(word, input);
                answers.writeInt(output.length);
                answers.write(output);
            } catch (Exception error) {
                answers.writeInt(-1);
                answers.writeUTF(String.valueOf(error));
            }
            answers.flush();
        }
    }

    private static byte[] compress(String codec, byte[] content) throws Exception {
        ByteBufferOutputStream out = new ByteBufferOutputStream(1024);
        try (OutputStream stream = Compression.of(codec).build().wrapForOutput(out, MAGIC)) {
            stream.write(content);
        }
        ByteBuffer buffer = out.buffer();
        buffer.flip();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    private static byte[] decompress(String codec, byte[] payload) throws Exception {
        ByteBuffer buffer = ByteBuffer.wrap(payload);
        try (InputStream stream = Compression.of(codec).build().wrapForInput(buffer, MAGIC, BufferSupplier.NO_CACHING)) {
            return stream.readAllBytes();
        }
    }

    private static byte[] frame(String shape, byte[] content) throws Exception {
        String[] words = shape.split(" ");
        FLG.Bits[] flags = new FLG.Bits[words.length - 1];
        boolean sized = false;
        for (int i = 1; i < words.length; i++) {
            flags[i - 1] = FLG.Bits.valueOf(words[i]);
            sized |= flags[i - 1] == FLG.Bits.CONTENT_SIZE;
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BLOCKSIZE size = BLOCKSIZE.valueOf(words[0]);
        try (LZ4FrameOutputStream stream =
                sized ? new LZ4FrameOutputStream(out, size, content.length, flags) : new LZ4FrameOutputStream(out, size, flags)) {
            stream.write(content);
        }
        return out.toByteArray();
    }
}
