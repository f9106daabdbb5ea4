import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs main methods of Apache Kafka's tools one after the other in one JVM, which spares each its start.
 *
 * On standard input: a command is its number of words, the words (main class first), and its standard input. On standard output: its exit code,
 * what it printed, and what it printed as errors. Numbers are big-endian ints, texts are UTF-8 behind their length in bytes.
 */
public final class ToolShell {
    /** What the running command exits with, once it does. */
    private static volatile CompletableFuture<Integer> exitCode = new CompletableFuture<>();

    public static void main(String[] ignored) throws Exception {
        DataInputStream commands = new DataInputStream(System.in);
        DataOutputStream answers = new DataOutputStream(System.out);
        // Nothing comes after an exit, not even the tool's own handlers of errors: its thread stays where it is.
        Exit.Procedure stop = (code, message) -> {
            if (message != null) System.err.println(message);
            exitCode.complete(code);
            LockSupport.park();
        };
        Exit.setExitProcedure(stop);
        Exit.setHaltProcedure(stop);
        for (;;) {
            int wordCount;
            try {
                wordCount = commands.readInt();
            } catch (EOFException atEnd) {
                break;
            }
            String mainClass = readText(commands);
            String[] args = new String[wordCount - 1];
            for (int i = 0; i < args.length; i++) args[i] = readText(commands);
            byte[] input = readBytes(commands);

            ByteArrayOutputStream out = new ByteArrayOutputStream();
            ByteArrayOutputStream err = new ByteArrayOutputStream();
            System.setIn(new ByteArrayInputStream(input));
            System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
            exitCode = new CompletableFuture<>();
            Thread thread = new Thread(() -> run(mainClass, args), mainClass);
            thread.setDaemon(true);
            thread.start();
            answers.writeInt(exitCode.get());
            writeBytes(answers, out.toByteArray());
            writeBytes(answers, err.toByteArray());
            answers.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    private static void run(String mainClass, String[] args) {
        try {
            Class.forName(mainClass).getMethod("main", String[].class).invoke(null, (Object) args);
            exitCode.complete(0);
        } catch (InvocationTargetException error) {
            error.getCause().printStackTrace();
            exitCode.complete(1);
        } catch (ReflectiveOperationException error) {
            error.printStackTrace();
            exitCode.complete(1);
        }
    }

    private static String readText(DataInputStream in) throws Exception {
        return new String(readBytes(in), StandardCharsets.UTF_8);
    }

    private static byte[] readBytes(DataInputStream in) throws Exception {
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        return bytes;
    }

    private static void writeBytes(DataOutputStream out, byte[] bytes) throws Exception {
        out.writeInt(bytes.length);
        out.write(bytes);
    }
}
