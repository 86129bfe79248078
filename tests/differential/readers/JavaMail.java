// Reads From fields with JavaMail: java -cp javax.mail.jar JavaMail.java
// Protocol: see ../mail_readers.py. The lines are of one shape, so no JSON parser is needed.
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.mail.Address;
import javax.mail.Session;
import javax.mail.internet.InternetAddress;
import javax.mail.internet.MimeMessage;
import javax.mail.internet.MimeUtility;

public class JavaMail {
    interface Way { Object[] read() throws Exception; }

    static final Pattern LINE = Pattern.compile("\\{\"(body|block)\": \"([^\"]*)\"\\}");
    static final Properties UTF8 = new Properties();

    static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c < ' ' || c > '~' || c == '"' || c == '\\') json.append(String.format("\\u%04x", (int) c));
            else json.append(c);
        }
        return json.append('"').toString();
    }

    static Object[] flat(Address[] found) throws Exception {
        List<Object> all = new ArrayList<>();
        for (Address item : found == null ? new Address[0] : found) {
            InternetAddress address = (InternetAddress) item;
            if (address.isGroup()) for (Object member : flat(address.getGroup(false))) all.add(member);
            else all.add(address.getAddress());
        }
        return all.toArray();
    }

    static String tried(String name, Way way) {
        StringBuilder json = new StringBuilder(quoted(name)).append(": ");
        try {
            List<String> found = new ArrayList<>();
            for (Object item : way.read()) if (item != null) found.add(quoted(item.toString()));
            return json.append("[").append(String.join(", ", found)).append("]").toString();
        } catch (Exception error) {
            return json.append(quoted(error.toString())).toString();
        }
    }

    static String ofBody(String text) {
        return "{\"addresses\": {" + String.join(", ",
            tried("parse", () -> flat(InternetAddress.parse(text))),
            tried("parse, not strict", () -> flat(InternetAddress.parse(text, false))),
            tried("parseHeader", () -> flat(InternetAddress.parseHeader(text, true))),
            tried("parseHeader, not strict", () -> flat(InternetAddress.parseHeader(text, false))),
            tried("decodeText, parseHeader, not strict",
                () -> flat(InternetAddress.parseHeader(MimeUtility.decodeText(text), false)))) + "}}";
    }

    static String ofBlock(byte[] block) throws Exception {
        MimeMessage mail = new MimeMessage(Session.getInstance(UTF8), new ByteArrayInputStream(block));
        String[] fields = mail.getHeader("From");
        return "{\"addresses\": {" + tried("MimeMessage", () -> flat(mail.getFrom())) + "}, \"fields\": {"
            + tried("MimeMessage", () -> fields == null ? new Object[0] : fields) + "}}";
    }

    public static void main(String[] arguments) throws Exception {
        UTF8.setProperty("mail.mime.allowutf8", "true");
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        out.println("{\"version\": " + quoted("JavaMail " + Session.class.getPackage().getImplementationVersion()
            + ", Java " + System.getProperty("java.version")) + "}");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Matcher given = LINE.matcher(line);
            if (!given.matches()) throw new IllegalArgumentException(line);
            byte[] octets = Base64.getDecoder().decode(given.group(2));
            out.println(given.group(1).equals("block") ? ofBlock(octets)
                : ofBody(new String(octets, StandardCharsets.UTF_8).replace("\r\n", "")));
        }
        out.flush();
    }
}
